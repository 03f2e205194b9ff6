"""The parts of the planner's page: where its scenario comes from, its form, links, comparison."""
