// The Engine page. It is drawn from the data the page was made with, then kept up to date from an
// event stream: the same nodes stay, so zoom, scroll and focus do too.

const views = new WeakMap()

export default function ({ data, parentElement }) {
  let view = views.get(parentElement)
  if (!view) {
    view = new EnginePage(parentElement.querySelector(".en-page"))
    views.set(parentElement, view)
  }
  view.configure(data)
  return () => {
    views.delete(parentElement)
    view.close()
  }
}

class EnginePage {
  constructor(root) {
    this.root = root
    this.panels = new Map()
    this.log = new LiveLog(root)
    const state = root.querySelector(".be-state")
    this.stream = new Stream((payload) => this.draw(payload), (name, words) => {
      state.dataset.state = name
      const stale = words.endsWith("…") && this.at
      state.textContent = stale ? `${words} As of ${new Date(this.at).toLocaleTimeString()}` : words
    })
  }

  configure(data) {
    this.library = loadPlotly(data.plotly)
    if (data.url !== this.stream.url || !(this.at > data.payload.at)) this.draw(data.payload)
    this.stream.follow(data.url)
  }

  close() {
    this.stream.close()
    this.log.close()
    for (const panel of this.panels.values()) panel.remove()
  }

  draw(payload) {
    this.at = payload.at
    setText(this.root.querySelector(".en-headline"), payload.headline)
    setText(this.root.querySelector(".en-facts"), payload.facts)
    drawCards(this.root.querySelector(".be-figures"), payload.figures, {}, (node, figure) => {
      node.querySelector("summary").title = figure.why
    })
    this.drawLines(payload.lines)
    this.drawExperts(payload.experts)
    this.drawUpstreams(payload.upstreams)
    this.log.draw(payload.log)
  }

  drawLines(charts) {
    const parent = this.root.querySelector(".en-lines")
    for (const chart of charts) {
      this.panel(parent, chart.id, lineChart).draw(chart, this.library, this.root)
    }
  }

  drawExperts(experts) {
    const parent = this.root.querySelector(".en-experts")
    setText(this.root.querySelector(".en-no-experts"), experts.note ?? experts.over)
    if (experts.note) {
      for (const name of ["experts", "balance"]) {
        this.panels.get(name)?.remove()
        this.panels.delete(name)
      }
    } else if (experts.key !== this.expertsKey || !this.panels.has("experts")) {
      const heat = { ...experts.heat, unit: "share of a layer's tokens" }
      const bars = { ...experts.balance, unit: "most used expert over the mean of its layer" }
      this.panel(parent, "experts", heatMap).draw(heat, this.library, this.root)
      this.panel(parent, "balance", balanceBars).draw(bars, this.library, this.root)
    }
    this.expertsKey = experts.key
  }

  panel(parent, name, kind) {
    if (!this.panels.has(name)) this.panels.set(name, new ChartPanel(parent, kind, name))
    return this.panels.get(name)
  }

  drawUpstreams(upstreams) {
    this.root.querySelector(".en-upstreams").hidden = upstreams.length === 0
    const body = this.root.querySelector(".en-upstreams tbody")
    while (body.rows.length > upstreams.length) body.deleteRow(-1)
    upstreams.forEach((one, index) => {
      const row = body.rows[index] ?? body.insertRow()
      row.dataset.up = one.up
      const texts = [one.address, one.models, one.state, one.running]
      texts.forEach((text, column) => setText(row.cells[column] ?? row.insertCell(), text))
    })
  }
}
