// The overview's figures and chart. They are drawn from the data the page was made with, then kept
// up to date from an event stream: the same nodes stay, so zoom, scroll and focus do too.

const PAGE_REFRESH_MS = 15000
const FEW_ROWS = 100
const NARROW_PX = 640 // the legend gets a line of its own
const MORE_OF_A_CARD = {
  above: `<div class="be-change"></div>
    <svg class="be-bars" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"></svg>`,
  below: `<button type="button" class="be-link be-rows"></button>`,
}

const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement)
  if (!view) {
    view = new LiveOverview(parentElement.querySelector(".be-live"))
    views.set(parentElement, view)
  }
  view.configure(data, setTriggerValue)
  return () => {
    views.delete(parentElement)
    view.close()
  }
}

class LiveOverview {
  constructor(root) {
    this.root = root
    this.figures = root.querySelector(".be-figures")
    this.chart = root.querySelector(".be-chart")
    this.table = root.querySelector(".be-table")
    const state = root.querySelector(".be-state")
    this.stream = new Stream((payload) => this.take(payload), (name, words) => {
      state.dataset.state = name
      state.textContent = words
    })
    this.table.addEventListener("toggle", () => this.drawTable())
    root.addEventListener("click", (event) => {
      const { page, day } = event.target.dataset
      if (page) this.setTriggerValue("rows", page)
      if (day) this.setTriggerValue("days", `${day}/${day}`)
    })
  }

  configure(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue
    this.pageRequests = data.payload.requests
    if (data.url !== this.stream.url) this.payload = null
    this.library = loadPlotly(data.plotly)
    if (!this.payload || data.payload.at >= this.payload.at) this.payload = data.payload
    this.draw()
    this.stream.follow(data.url, this.payload.ended)
  }

  take(payload) {
    this.payload = payload
    this.draw()
    this.refreshPage()
  }

  close() {
    this.stream.close()
    if (window.Plotly) window.Plotly.purge(this.chart)
  }

  // The page's other charts are redrawn when there are new requests, though not at every one.
  refreshPage() {
    const now = Date.now()
    const first = this.pageRequests === 0
    if (this.payload.requests === this.pageRequests) return
    if (!first && now - (this.refreshedAt ?? 0) < PAGE_REFRESH_MS) return
    this.refreshedAt = now
    this.pageRequests = this.payload.requests
    this.setTriggerValue("requests", this.payload.requests)
  }

  draw() {
    if (!this.payload) return
    this.root.querySelector(".be-headline").textContent = this.payload.headline
    this.root.querySelector(".be-verdict").textContent = this.payload.verdict
    this.drawFigures()
    this.drawTable()
    const payload = this.payload
    this.library.then((Plotly) => {
      if (payload === this.payload && this.chart.isConnected) this.drawChart(Plotly)
    }, () => { this.chart.textContent = "The chart's library could not be loaded; reload the page." })
  }

  drawFigures() {
    drawCards(this.figures, this.payload.figures, MORE_OF_A_CARD, (node, card) => {
      drawChange(node.querySelector(".be-change"), card.change)
      drawBars(node.querySelector(".be-bars"), card.bars, !this.payload.ended)
      const rows = node.querySelector(".be-rows")
      setText(rows, card.rows.words)
      rows.dataset.page = card.rows.page
    })
  }

  drawChart(Plotly) {
    const chart = this.payload.chart
    const colours = themeColours(this.root)
    this.chart.setAttribute("aria-label", chart.alt)
    const narrow = this.chart.clientWidth < NARROW_PX
    Plotly.react(this.chart, traces(chart, colours), layout(chart, colours, narrow), {
      displaylogo: false,
      responsive: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    })
    if (!this.opensDays) {
      this.opensDays = true
      this.chart.on("plotly_click", ({ points: [point] }) => this.openDays(point))
    }
  }

  // A bar may be of more than a day.
  openDays(point) {
    const first = String(point.x).slice(0, 10)
    const length = point.data.type === "bar" ? this.payload.chart.bucket_ms - 1 : 0
    const begins = Date.parse(`${String(point.x).replace(" ", "T").padEnd(11, "T00:00")}Z`)
    const last = length ? new Date(begins + length).toISOString().slice(0, 10) : first
    this.setTriggerValue("days", `${first}/${last}`)
  }

  drawTable() {
    if (!this.table.open || !this.payload) return
    const { x, self_hosted, baseline, money_unit } = this.payload.chart
    const body = this.table.querySelector("tbody")
    setText(this.table.querySelector(".be-money-1"), `Self-hosted, ${money_unit}`)
    setText(this.table.querySelector(".be-money-2"), `Seats, ${money_unit}`)
    const first = Math.max(0, x.length - FEW_ROWS)
    while (body.rows.length > x.length - first) body.deleteRow(-1)
    while (body.rows.length < x.length - first) body.append(newRow())
    for (let row = first; row < x.length; row++) {
      const [time, ...cells] = body.rows[row - first].cells
      const opens = time.firstChild
      setText(opens, x[row].replace("T", " ").slice(0, 19))
      opens.dataset.day = x[row].slice(0, 10)
      setText(cells[0], fixed(self_hosted[row]))
      setText(cells[1], fixed(baseline[row]))
    }
  }
}

function traces(chart, colours) {
  const money = `%{y:${chart.currency_prefix ? "," : ""},.2f}`.replace(",,", ",")
  const line = (name, y, colour, dash) => ({
    type: "scatter", mode: "lines", name, x: chart.x, y,
    line: { color: colour, width: 2.5, dash },
    hovertemplate: `${chart.currency_prefix}${money}`,
  })
  return [
    line(chart.names.self_hosted, chart.self_hosted, colours.series[0], "solid"),
    line(chart.names.baseline, chart.baseline, colours.series[1], "dash"),
    {
      type: "bar", name: chart.names.tokens, x: chart.tokens_x, y: chart.tokens, yaxis: "y2",
      marker: { color: colours.series[2] }, hovertemplate: "%{y:,}", offset: 0,
      width: chart.bucket_ms, showlegend: false,
    },
  ]
}

function layout(chart, colours, narrow) {
  const nothing = (values) => values.every((value) => value === 0)
  const axis = {
    gridcolor: colours.grid, linecolor: colours.grid, zerolinecolor: colours.grid,
    tickfont: { color: colours.muted }, rangemode: "tozero", automargin: true,
  }
  const heading = (text, y) => ({
    text, x: 0, xref: "paper", xanchor: "left", y, yref: "paper", yanchor: "bottom",
    showarrow: false, font: { color: colours.muted, size: 12.5 },
  })
  return {
    uirevision: chart.key,
    height: 430,
    margin: { l: 8, r: 12, t: narrow ? 72 : 46, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, color: colours.text, size: 13 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.grid, font: { color: colours.text } },
    legend: { orientation: "h", x: narrow ? 0 : 1, xanchor: narrow ? "left" : "right",
      y: narrow ? 1.1 : 1.02, yanchor: "bottom" },
    xaxis: { ...axis, type: "date", rangemode: "normal", range: chart.x_range, showgrid: false,
      anchor: "y2" },
    yaxis: { ...axis, domain: [0.4, 1], tickprefix: chart.currency_prefix, tickformat: ",.12~g",
      ...(nothing(chart.self_hosted) && nothing(chart.baseline) ? { range: [0, 1] } : {}) },
    yaxis2: { ...axis, domain: [0, 0.27], tickformat: "~s", nticks: 4,
      ...(nothing(chart.tokens) ? { range: [0, 10] } : {}) },
    annotations: [
      heading(chart.names.cost_axis, 1.02), heading(chart.names.tokens_axis, 0.285),
      ...(chart.paid ? [paidWords(chart, colours)] : []),
    ],
    shapes: chart.paid ? [{
      type: "line", x0: chart.paid.x, x1: chart.paid.x, yref: "paper", y0: 0.4, y1: 1,
      line: { color: colours.muted, width: 1.5, dash: "dot" },
    }] : [],
  }
}

// Beside the line, towards the middle of the picture.
function paidWords(chart, colours) {
  const [start, end, at] = [...chart.x_range, chart.paid.x].map((moment) => Date.parse(moment))
  const right = at < (start + end) / 2
  return {
    text: chart.paid.words, x: chart.paid.x, y: 0.99, yref: "paper", yanchor: "top",
    xanchor: right ? "left" : "right", xshift: right ? 4 : -4, showarrow: false,
    font: { color: colours.muted, size: 12.5 },
  }
}

function newRow() {
  const row = document.createElement("tr")
  row.innerHTML = `<td><button type="button" class="be-link" title="That day's requests"></button></td>
    <td></td><td></td>`
  return row
}

// Words and an arrow, so that it is told without colour too.
function drawChange(node, change) {
  const arrow = { more: "▲ ", less: "▼ " }[change.way] ?? ""
  setText(node, `${arrow}${change.words}`)
  node.dataset.mood = change.mood
}

// `heights` are parts of the highest; null is unknown, and has no bar.
function drawBars(svg, heights, goesOn) {
  while (svg.children.length > heights.length) svg.lastChild.remove()
  while (svg.children.length < heights.length) {
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "rect"))
  }
  const width = 100 / heights.length
  heights.forEach((height, index) => {
    const shown = height === null ? 0 : Math.max(24 * height, 0.8)
    const place = { x: index * width, width: width * 0.78, y: 24 - shown, height: shown }
    for (const [name, value] of Object.entries(place)) {
      svg.children[index].setAttribute(name, value.toFixed(2))
    }
    svg.children[index].classList.toggle("be-begun", goesOn && index === heights.length - 1)
  })
}

function fixed(value) {
  return value === null ? "unknown" : value.toLocaleString("en-US", { minimumFractionDigits: 2,
    maximumFractionDigits: 2 })
}
