// Confusion matrices: true diagnoses in rows, predicted diagnoses in columns.

function confusionHead(data) {
  const heads = data.codes.map((code, label) =>
    make("th", { scope: "col", title: data.names[label] }, code),
  );
  return make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "true ↓ predicted →"), ...heads));
}

// `pick(true, predicted)` is called for the cell of a mistake that is clicked; without it cells are
// plain. `picked` is such a pair.
function showConfusion(table, data, counts, pick = null, picked = []) {
  const rows = counts.map((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, other) => {
      const share = total ? count / total : 0;
      const shown = [formatCount(count), make("small", {}, count ? `${Math.round(100 * share)}%` : "\u00a0")];
      const wanted = pick && label !== other && count > 0;
      const content = wanted
        ? make("button", {
            type: "button",
            "aria-pressed": picked[0] === label && picked[1] === other,
            "aria-label": `${data.codes[label]} predicted ${data.codes[other]}: ${count} images. Show them.`,
          }, ...shown)
        : make("span", {}, ...shown);
      if (wanted) content.addEventListener("click", () => pick(label, other));
      const cell = make("td", label === other ? { class: "right" } : {}, content);
      cell.style.setProperty("--share", share.toFixed(3));
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row", title: data.names[label] }, data.codes[label]), ...cells);
  });
  const { caption } = table;
  table.replaceChildren(caption, confusionHead(data), make("tbody", {}, ...rows));
}
