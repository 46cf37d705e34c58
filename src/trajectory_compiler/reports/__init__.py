"""Reports for others: aggregate figures to compare with another team's, and an evidence pack for whoever must answer."""
