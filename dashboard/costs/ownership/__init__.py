"""What owning hardware means in money: depreciation, tax, financing, value and disposal."""
