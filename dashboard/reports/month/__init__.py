"""The month for a cost review: one report, as a PDF and as a spreadsheet."""
