// The event stream of a live part: open while the tab is in sight, opened again when it breaks, less
// often each time until figures come. Also what live parts share: plotly.js, colours, texts.

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30000

class Stream {
  constructor(onPayload, onState) {
    this.onPayload = onPayload
    this.onState = onState
    this.retryMs = FIRST_RETRY_MS
    this.visibility = () => (document.hidden ? this.pause() : this.connect())
    document.addEventListener("visibilitychange", this.visibility)
  }

  // `ended`: why nothing comes any more, if so.
  follow(url, ended) {
    this.ended = ended
    if (url !== this.url) {
      this.pause()
      this.url = url
    }
    if (!document.hidden) this.connect()
  }

  connect() {
    if (this.source) return
    if (this.ended) { // nothing moves any more
      this.onState("ended", this.ended)
      return
    }
    this.onState("connecting", "Connecting…")
    const source = new EventSource(this.url)
    this.source = source
    source.onopen = () => this.onState("live", "Live")
    source.onmessage = (message) => { // an open stream may yet say that the server is full
      this.retryMs = FIRST_RETRY_MS
      const payload = JSON.parse(message.data)
      this.ended = payload.ended
      this.onPayload(payload)
    }
    source.addEventListener("full", () => this.retry("Too many pages are open; retrying…"))
    source.onerror = () => this.retry("Reconnecting…")
  }

  retry(words) {
    this.pause()
    this.onState("waiting", words)
    this.timer = setTimeout(() => this.connect(), this.retryMs)
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS)
  }

  pause() {
    clearTimeout(this.timer)
    this.source?.close()
    this.source = null
    this.onState("waiting", "Paused")
  }

  close() {
    this.pause()
    document.removeEventListener("visibilitychange", this.visibility)
  }
}

// One copy of plotly.js for the whole page, from our own server.
function loadPlotly(url) {
  window.breakevenPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = url
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      window.breakevenPlotly = undefined
      reject(new Error("plotly.js could not be loaded"))
    }
    document.head.append(script)
  })
  return window.breakevenPlotly
}

function themeColours(root) {
  const style = getComputedStyle(root)
  const read = (name) => style.getPropertyValue(name).trim()
  return {
    series: read("--st-chart-categorical-colors").split(","),
    sequence: read("--st-chart-sequential-colors").split(","),
    text: read("--st-text-color"),
    muted: read("--st-gray-text-color") || read("--st-text-color"),
    grid: read("--st-border-color"),
    ground: read("--st-background-color"),
    panel: read("--st-secondary-background-color"),
    font: read("--st-font"),
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}
