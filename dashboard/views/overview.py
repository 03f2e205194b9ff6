import streamlit as st
from dashboard import ui

ui.begin("Overview", "x")
