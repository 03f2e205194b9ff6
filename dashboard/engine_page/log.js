// The live log. Lines are added and taken away one by one, so that scroll and selection stay. What
// they say is text, whatever it holds.

class LiveLog {
  constructor(root) {
    this.list = root.querySelector(".en-log")
    this.nothing = root.querySelector(".en-no-log")
    this.button = root.querySelector(".en-pause")
    this.lines = []
    this.paused = false
    this.toggle = () => {
      this.paused = !this.paused
      this.draw(this.lines)
    }
    this.button.addEventListener("click", this.toggle)
  }

  draw(lines) {
    this.lines = lines
    const known = new Map([...this.list.children].map((node) => [node.dataset.number, node]))
    const newest = Number(this.list.firstElementChild?.dataset.number ?? 0)
    const missed = lines.filter((line) => line.number > newest).length
    this.button.setAttribute("aria-pressed", String(this.paused))
    setText(this.button, this.paused ? `Resume${missed ? ` (${missed} new)` : ""}` : "Pause")
    this.nothing.hidden = lines.length > 0
    if (this.paused) return
    const wanted = new Set(lines.map((line) => String(line.number)))
    for (const [number, node] of known) if (!wanted.has(number)) node.remove()
    const added = lines.filter((line) => !known.has(String(line.number))).map(logLine)
    if (added.length) this.list.prepend(...added)
  }

  close() {
    this.button.removeEventListener("click", this.toggle)
  }
}

function logLine(line) {
  const node = document.createElement("li")
  node.dataset.number = line.number
  node.dataset.kind = line.kind
  for (const [tag, text] of [["time", line.time], ["b", line.kind], ["span", line.words]]) {
    const part = document.createElement(tag)
    part.textContent = text
    node.append(part)
  }
  return node
}
