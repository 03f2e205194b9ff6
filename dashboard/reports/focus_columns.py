"""The columns of FOCUS 1.2 that this product can fill truly, and columns of its own (`x_`).

From the FinOps Open Cost and Usage Specification 1.2: all mandatory columns; the conditional ones
whose condition holds here (sub accounts are teams, usage is measured, the hardware is a resource);
the recommended ones. There are no regions, commitment discounts, capacity reservations, tags or
published price lists, so their columns are left out, unit prices with them; but for
CommitmentDiscountStatus, which rules of other columns refer to.
"""

from dashboard.reports.tables import Column

COLUMNS = (
    Column("BilledCost", "decimal", "what is paid for in this billing period"),
    Column("BillingAccountId", "text", "always self-hosted"),
    Column("BillingAccountName", "text", "always Self-hosted AI"),
    Column("BillingCurrency", "text", "the prices' currency"),
    Column("BillingPeriodEnd", "second", "when the calendar month ends, UTC, exclusive"),
    Column("BillingPeriodStart", "second", "when the calendar month begins, UTC"),
    Column("ChargeCategory", "text", "Purchase of the hardware, or Usage of it"),
    Column("ChargeClass", "text", "always empty: no row corrects another"),
    Column("ChargeDescription", "text", "what the row is, in a sentence"),
    Column("ChargeFrequency", "text", "One-Time, Recurring (by time) or Usage-Based (by kWh)"),
    Column("ChargePeriodEnd", "second", "when the day ends, UTC, exclusive"),
    Column("ChargePeriodStart", "second", "when the day begins, UTC"),
    Column("CommitmentDiscountStatus", "text", "always empty: there are no such discounts"),
    Column("ConsumedQuantity", "decimal", "tokens on hardware's rows, else as PricingQuantity"),
    Column("ConsumedUnit", "text", "of ConsumedQuantity"),
    Column("ContractedCost", "decimal", "as ListCost: nothing is negotiated"),
    Column("EffectiveCost", "decimal", "the team's part of the day's cost, purchases amortised"),
    Column("InvoiceId", "text", "always empty: nobody writes an invoice"),
    Column("InvoiceIssuerName", "text", "always Self-hosted AI"),
    Column("ListCost", "decimal", "the purchase's price, or the day's cost"),
    Column("PricingCategory", "text", "always Standard"),
    Column("PricingQuantity", "decimal", "the team's part of the day's hours, kWh or months"),
    Column("PricingUnit", "text", "of PricingQuantity"),
    Column("ProviderName", "text", "always Self-hosted AI"),
    Column("PublisherName", "text", "always Self-hosted AI"),
    Column("ResourceId", "text", "the hardware, by its first day"),
    Column("ResourceName", "text", "the hardware's name"),
    Column("ResourceType", "text", "always Hardware"),
    Column("ServiceCategory", "text", "always AI and Machine Learning"),
    Column("ServiceName", "text", "always Self-hosted inference"),
    Column("ServiceSubcategory", "text", "always Generative AI"),
    Column("SkuId", "text", "hardware, hardware-time, electricity or operations"),
    Column("SkuMeter", "text", "what is counted"),
    Column("SubAccountId", "text", "the team's id; empty: no team, or a purchase for all"),
    Column("SubAccountName", "text", "the team's name"),
    Column("x_CachedInputTokens", "whole", "the team's that day, on hardware's rows"),
    Column("x_ElectricityBasis", "text", "nameplate (rated power in all hours) or metered"),
    Column("x_ElectricityPricePerKwh", "decimal", "on electricity's rows"),
    Column("x_EnergyBasis", "text", "of x_EnergyJoules: measured, estimated, partial or unknown"),
    Column("x_EnergyJoules", "number", "of the team's requests that day, on electricity's rows"),
    Column("x_EnergyUnknownRequests", "whole", "requests without a figure, on electricity's rows"),
    Column("x_InputTokens", "whole", "the team's that day, cached ones included, as above"),
    Column("x_OutputTokens", "whole", "the team's that day, on hardware's rows"),
    Column("x_PowerUsageEffectiveness", "decimal", "on electricity's rows"),
    Column("x_Requests", "whole", "the team's that day, on hardware's rows"),
    Column("x_SharedBy", "text", "how teams share the month: energy or tokens; nobody: unused"),
)
NAMES = tuple(column.name for column in COLUMNS)
