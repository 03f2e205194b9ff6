// A chart in its frame: title, source on hover, table, and both as files. Kinds of chart tell how
// they are drawn (traces, layout) and what their table has (columns, rows).

const FEW_ROWS = 100
const PNG_WIDTH = 1200
const PNG_HEIGHT = 560

class ChartPanel {
  constructor(parent, kind, name) {
    this.kind = kind
    this.name = name
    this.zoom = {}
    this.node = document.createElement("article")
    this.node.className = "en-panel"
    this.node.innerHTML = `<div class="en-title"></div><div class="en-unit"></div>
      <details class="be-why"><summary>?</summary><p></p></details>
      <div class="en-chart" role="img"></div>
      <div class="en-tools">
        <details class="en-table"><summary>Show as a table</summary><div class="be-scroll"><table>
          <thead><tr></tr></thead><tbody></tbody></table></div></details>
        <button type="button" data-file="png">PNG</button>
        <button type="button" data-file="csv">CSV</button>
      </div>`
    this.plot = this.node.querySelector(".en-chart")
    this.table = this.node.querySelector(".en-table")
    this.table.addEventListener("toggle", () => this.drawTable())
    this.node.querySelector("[data-file=csv]").addEventListener("click", () => this.saveCsv())
    this.node.querySelector("[data-file=png]").addEventListener("click", () => this.savePng())
    parent.append(this.node)
  }

  draw(chart, library, root) {
    this.chart = chart
    this.library = library
    this.root = root
    const why = this.node.querySelector(".be-why summary")
    setText(this.node.querySelector(".en-title"), chart.title)
    setText(this.node.querySelector(".en-unit"), chart.unit)
    setText(this.node.querySelector(".be-why p"), chart.why)
    why.title = chart.why
    why.setAttribute("aria-label", "Source and basis")
    this.node.querySelector(".en-title").title = chart.why
    this.plot.setAttribute("aria-label", `${chart.title}. ${chart.unit}.`)
    for (const kind of ["png", "csv"]) {
      const label = `Download “${chart.title}” as ${kind.toUpperCase()}`
      this.node.querySelector(`[data-file=${kind}]`).setAttribute("aria-label", label)
    }
    this.drawTable()
    library.then((Plotly) => {
      if (chart === this.chart && this.plot.isConnected) this.drawPlot(Plotly)
    }, () => { this.plot.textContent = "The chart's library could not be loaded; reload the page." })
  }

  drawPlot(Plotly) {
    const { traces, layout } = this.picture()
    const first = !this.plot.classList.contains("js-plotly-plot")
    Plotly.react(this.plot, traces, layout, { displaylogo: false, responsive: true,
      doubleClick: "autosize",
      modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "resetScale2d"] })
    if (first) this.plot.on("plotly_relayout", (change) => this.noteZoom(Plotly, change))
  }

  picture() {
    const colours = themeColours(this.root)
    const layout = this.kind.layout(this.chart, colours)
    for (const axis of ["xaxis", "yaxis"]) {
      if (this.zoom[axis]) layout[axis].range = this.zoom[axis]
    }
    return { traces: this.kind.traces(this.chart, colours), layout }
  }

  // The window moves on by itself, so where somebody zoomed in is kept here.
  noteZoom(Plotly, change) {
    for (const axis of ["xaxis", "yaxis"]) {
      const [from, to] = [change[`${axis}.range[0]`], change[`${axis}.range[1]`]]
      if (from !== undefined && to !== undefined) this.zoom[axis] = [from, to]
      if (change[`${axis}.range`]) this.zoom[axis] = change[`${axis}.range`]
      if (change[`${axis}.autorange`]) {
        delete this.zoom[axis]
        setTimeout(() => this.plot.isConnected && this.drawPlot(Plotly))
      }
    }
  }

  drawTable() {
    if (!this.table.open || !this.chart) return
    const head = this.table.querySelector("thead tr")
    const body = this.table.querySelector("tbody")
    head.replaceChildren(...this.kind.columns(this.chart).map((name) => {
      const cell = document.createElement("th")
      cell.scope = "col"
      cell.textContent = name
      return cell
    }))
    body.replaceChildren()
    const rows = this.kind.rows(this.chart).slice(-FEW_ROWS)
    if (this.kind.isOverTime) rows.reverse()
    for (const row of rows) {
      const line = body.insertRow()
      for (const value of row) line.insertCell().textContent = value ?? "unknown"
    }
  }

  saveCsv() {
    const rows = [this.kind.columns(this.chart), ...this.kind.rows(this.chart)]
    const text = rows.map((row) => row.map((value) => value ?? "").join(",")).join("\r\n")
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }))
    link.download = `engine-${this.name}.csv`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1000)
  }

  async savePng() {
    const Plotly = await this.library
    const { traces, layout } = this.picture()
    const colours = themeColours(this.root)
    const title = { text: `${wrapped(this.chart.title, 100)}<br>${this.chart.unit}`, x: 0.02,
      xanchor: "left", y: 0.94, yanchor: "top", font: { size: 15 } }
    const filled = { ...layout, title, paper_bgcolor: colours.ground, plot_bgcolor: colours.ground,
      margin: { l: 60, r: 50, t: 110, b: 50 } }
    await Plotly.downloadImage({ data: traces, layout: filled },
      { format: "png", width: PNG_WIDTH, height: PNG_HEIGHT, filename: `engine-${this.name}` })
  }

  remove() {
    if (window.Plotly) window.Plotly.purge(this.plot)
    this.node.remove()
  }
}

const lineChart = {
  isOverTime: true, // its table begins with the newest

  traces: (chart, colours) => chart.series.map((one, index) => ({
    type: "scatter", mode: "lines", name: one.name, x: moments(chart), y: one.y,
    line: { color: colours.series[index], width: 2, dash: one.dash },
    hovertemplate: `%{y:,.4~r} ${chart.unit}`,
  })),

  layout(chart, colours) {
    const times = moments(chart)
    const most = Math.max(0, ...chart.series.flatMap((one) => one.y))
    const top = Math.max(chart.limit?.y ?? 0, most) * 1.12 || 1
    return {
      ...plainLayout(colours, 260),
      uirevision: chart.key,
      hovermode: "x unified",
      xaxis: { ...plainAxis(colours), type: "date", range: [times[0], times.at(-1)],
        showgrid: false, tickformat: "%H:%M", hoverformat: "%H:%M:%S" },
      yaxis: { ...plainAxis(colours), range: [0, top], tickformat: top > 1000 ? "~s" : ",~r",
        ...(top <= 5 ? { dtick: 1 } : { nticks: 6 }) },
      ...(chart.limit ? limitLine(chart.limit, colours) : {}),
    }
  },

  columns: (chart) => ["time", ...chart.series.map((one) => `${one.name} (${chart.unit})`)],

  rows: (chart) => moments(chart).map((time, index) =>
    [time.replace("T", " ").slice(0, 19), ...chart.series.map((one) => one.y[index])]),
}

const heatMap = {
  traces: (chart, colours) => [{
    type: "heatmap", x: numbers(chart.layers), y: numbers(chart.experts),
    z: numbers(chart.experts).map((expert) => chart.share.map((layer) => layer[expert])),
    colorscale: scale(colours.sequence), hoverongaps: false,
    colorbar: { thickness: 12, tickformat: ".0%", outlinewidth: 0,
      tickfont: { color: colours.muted } },
    hovertemplate: "Layer %{x}, expert %{y}: %{z:.1%} of tokens<extra></extra>",
  }],

  layout: (chart, colours) => ({
    ...plainLayout(colours, 340),
    uirevision: "heat",
    xaxis: { ...plainAxis(colours), title: { text: "Layer", standoff: 4 }, showgrid: false },
    yaxis: { ...plainAxis(colours), title: { text: "Expert", standoff: 4 }, showgrid: false },
  }),

  columns: (chart) => ["layer", ...numbers(chart.experts).map((expert) => `expert ${expert}`)],

  rows: (chart) => chart.share.map((row, layer) => [layer, ...row]),
}

const balanceBars = {
  traces: (chart, colours) => [{
    type: "bar", x: numbers(chart.busiest.length), y: chart.busiest, customdata: chart.variation,
    marker: { color: colours.series[0] },
    hovertemplate: "Layer %{x}: busiest expert %{y:.2f} × the mean, coefficient of variation "
      + "%{customdata:.2f}<extra></extra>",
  }],

  layout: (chart, colours) => ({
    ...plainLayout(colours, 340),
    uirevision: "balance",
    bargap: 0.2,
    xaxis: { ...plainAxis(colours), title: { text: "Layer", standoff: 4 }, showgrid: false },
    yaxis: { ...plainAxis(colours), range: [0, Math.max(1, ...chart.busiest) * 1.12] },
    margin: { l: 8, r: 44, t: 28, b: 8 },
    ...limitLine({ y: 1, words: "even", beside: true }, colours),
  }),

  columns: () => ["layer", "busiest expert over mean", "coefficient of variation"],

  rows: (chart) => chart.busiest.map((value, layer) => [layer, value, chart.variation[layer]]),
}

function plainLayout(colours, height) {
  return {
    height,
    margin: { l: 8, r: 12, t: 28, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, color: colours.text, size: 13 },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.grid, font: { color: colours.text } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
  }
}

function plainAxis(colours) {
  return { gridcolor: colours.grid, linecolor: colours.grid, zerolinecolor: colours.grid,
    tickfont: { color: colours.muted }, automargin: true }
}

function limitLine(limit, colours) {
  return {
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: limit.y, y1: limit.y,
      line: { color: colours.muted, width: 1.5, dash: "dot" } }],
    annotations: [{ text: limit.words, xref: "paper", x: 1, y: limit.y, showarrow: false,
      xanchor: limit.beside ? "left" : "right", yanchor: limit.beside ? "middle" : "bottom",
      font: { color: colours.muted, size: 12 } }],
  }
}

// On the reader's clock, without a zone: plotly draws them as they are.
function moments(chart) {
  const start = Date.parse(`${chart.start}Z`)
  return chart.series[0].y.map((_, index) =>
    new Date(start + index * chart.step_ms).toISOString().slice(0, 23))
}

function numbers(count) {
  return [...Array(count).keys()]
}

function scale(colours) {
  return colours.map((colour, index) => [index / (colours.length - 1), colour.trim()])
}

function wrapped(text, width) {
  return text.replaceAll(new RegExp(`(.{1,${width}})(?:\\s|$)`, "g"), "$1<br>").replace(/<br>$/, "")
}
