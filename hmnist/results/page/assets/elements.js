// Making elements. Text always goes in as text, never as HTML.

function byId(name) {
  return document.getElementById(name);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function drawing(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The name of a kind of document, which the browser keeps.
const SVG = new DOMParser().parseFromString("<svg/>", "text/html").querySelector("svg").namespaceURI;

// A square from 0 to 1 in both directions, with room for what is drawn in it and its labels.
function unitSquare(about, across, upward) {
  const square = drawing("svg", { viewBox: "-44 -8 300 292", role: "img", "aria-label": about });
  square.append(drawing("rect", { class: "frame", x: 0, y: 0, width: 240, height: 240 }));
  for (const share of [0, 0.5, 1]) {
    const text = formatScore(share);
    square.append(
      drawing("text", { x: 240 * share, y: 256, "text-anchor": "middle" }, text),
      drawing("text", { x: -6, y: 244 - 240 * share, "text-anchor": "end" }, text),
    );
  }
  square.append(
    drawing("text", { x: 120, y: 276, "text-anchor": "middle" }, across),
    drawing("text", { transform: "translate(-34 120) rotate(-90)", "text-anchor": "middle" }, upward),
  );
  return square;
}

// As in all tables: three decimals, no zero before the point.
function formatScore(value) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(3).replace(/^0\./, ".");
}

function formatInterval([low, high]) {
  return low === null || low === undefined ? "–" : `[${formatScore(low)}, ${formatScore(high)}]`;
}

function formatCount(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en");
}

function fillRows(table, rows) {
  table.tBodies[0].replaceChildren(
    ...rows.map(([head, ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, head), ...cells.map((cell) => make("td", {}, cell))),
    ),
  );
}

function fillChoice(select, options) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
}
