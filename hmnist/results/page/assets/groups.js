// Scores of each diagnosis and of each subgroup.

function showDiagnoses(data, model) {
  const rows = model.diagnoses.map((row, label) => [
    `${data.codes[label]}, ${data.names[label]}`,
    formatCount(row.images),
    formatCount(row.lesions),
    formatScore(row.precision),
    withInterval(row.recall),
    formatScore(row.f1),
  ]);
  byId("diagnoses-caption").textContent =
    `Means over seeds and folds; recall with its 95% interval over ${data.lesions ? "lesions" : "images"}.`;
  fillRows(byId("diagnoses-table"), rows);
}

function withInterval([value, ...interval]) {
  const text = make("span", {}, formatScore(value));
  if (interval[0] !== null) text.append(" ", make("small", {}, formatInterval(interval)));
  return text;
}

const SUBGROUP_SCORES = {
  balanced_accuracy: "balanced acc.",
  accuracy: "accuracy",
  sensitivity_malignant: "sensitivity",
  specificity_malignant: "specificity",
};

function showSubgroups(data, number) {
  const known = data.subgroups.length > 0;
  byId("subgroups-missing").hidden = known;
  if (!known) return;
  const caption =
    "All folds together, means over seeds, with 95% Wilson intervals that count " +
    `${data.lesions ? "lesions" : "images"}. Balanced accuracy is the mean recall of the diagnoses ` +
    "that occur: of groups with different diagnoses it cannot be compared.";
  const heads = ["", "images", "lesions", "diagnoses", ...Object.values(SUBGROUP_SCORES)];
  const box = make(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-label": "Scores of age groups, sexes and sites" },
    make(
      "table",
      {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head || "group")))),
      make("tbody", {}, ...subgroupRows(data, number)),
    ),
  );
  byId("subgroups-table").replaceChildren(box);
}

function subgroupRows(data, number) {
  const rows = [];
  let kind = null;
  for (const group of data.subgroups) {
    if (group.kind !== kind) {
      kind = group.kind;
      const head = make("th", { scope: "rowgroup", colspan: 8 }, kind);
      rows.push(make("tr", { class: "group" }, head));
    }
    const scores = Object.keys(SUBGROUP_SCORES).map((name) => withInterval(group.scores[number][name]));
    const counts = [group.images, group.lesions, group.diagnoses].map(formatCount);
    const cells = [...counts, ...scores].map((cell) => make("td", {}, cell));
    rows.push(make("tr", {}, make("th", { scope: "row" }, group.name), ...cells));
  }
  return rows;
}
