"""The parts of the Requests page: what is looked for, page by page, and one request in detail."""
