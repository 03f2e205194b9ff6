// Figures as cards: each says what it is, its value, a note, and why behind a question mark.

// `more`: what a kind of card has `above` its note and `below` it, as HTML; `drawMore` fills that.
function drawCards(parent, figures, more, drawMore) {
  while (parent.children.length > figures.length) parent.lastChild.remove()
  while (parent.children.length < figures.length) parent.append(newCard(more))
  figures.forEach((figure, index) => {
    const node = parent.children[index]
    setText(node.querySelector(".be-label"), figure.label)
    setText(node.querySelector(".be-value"), figure.value)
    setText(node.querySelector(".be-note"), figure.note)
    setText(node.querySelector(".be-why p"), figure.why)
    node.querySelector("summary").setAttribute("aria-label", `What is ${figure.label}?`)
    drawMore(node, figure)
  })
}

function newCard({ above = "", below = "" }) {
  const card = document.createElement("div")
  card.className = "be-card"
  card.setAttribute("role", "listitem")
  card.innerHTML = `<div class="be-label"></div>
    <details class="be-why"><summary>?</summary><p></p></details>
    <div class="be-value"></div>${above}<div class="be-note"></div>${below}`
  return card
}
