// The page: what is selected, and showing it.

function listContents() {
  const links = [...document.querySelectorAll("main > section > h2")].map((heading) =>
    make("li", {}, make("a", { href: `#${heading.parentElement.id}` }, heading.textContent)),
  );
  byId("contents").append(...links);
}

function addThemeButton() {
  const button = byId("theme");
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const show = (dark) => {
    button.textContent = dark ? "Light" : "Dark";
    button.onclick = () => {
      root.dataset.theme = dark ? "light" : "dark";
      show(!dark);
    };
  };
  show(prefersDark);
  button.hidden = false;
}

function makeSortable() {
  for (const table of document.querySelectorAll("table.sortable")) new Tablesort(table);
}

// Everything that is shown of a model follows from these.
function startModels(data) {
  const sides = countSides(data);
  const trainings = data.models.map(({ trainings }) => trainings.map((each) => unpackTraining(each, data)));
  const state = { model: 0, seed: 0, filter: [null, null], sheet: null };

  const training = () => trainings[state.model][state.seed];

  function showFiltered() {
    const counts = countConfusion(data.labels, training().predicted, data.codes.length);
    const pick = data.gallery && ((label, other) => {
      setFilter([label, other]);
      byId("mistakes-title").scrollIntoView({ block: "start" });
    });
    showConfusion(byId("confusion-table"), data, counts, pick, state.filter);
    if (state.sheet) showMistakes(state.sheet, data, training(), state.filter);
  }

  function setFilter(filter) {
    state.filter = filter;
    byId("true-choice").value = filter[0] ?? "";
    byId("predicted-choice").value = filter[1] ?? "";
    showFiltered();
  }

  function showTraining() {
    const { decision } = training();
    byId("confusion-caption").textContent =
      `Images by true and predicted diagnosis, and their share of the true diagnosis; decision: ${decision}.` +
      (data.gallery ? " A cell shows its images below." : "");
    showOperatingPoint(data, sides, training());
    showReliability(data, training());
    showFiltered();
  }

  function showModel() {
    const model = data.models[state.model];
    byId("model-title").textContent = `One model: ${model.name}`;
    byId("model-choice").value = state.model;
    fillChoice(byId("seed-choice"), model.trainings.map(({ seed }, number) => [number, seed]));
    byId("seed-label").hidden = model.trainings.length < 2;
    showDiagnoses(data, model);
    showSubgroups(data, state.model);
    for (const button of document.querySelectorAll("button[data-model]")) {
      const selected = Number(button.dataset.model) === state.model;
      button.setAttribute("aria-pressed", selected);
      button.closest("tr").classList.toggle("selected", selected);
    }
    showTraining();
  }

  function select(model) {
    state.model = model;
    state.seed = 0;
    showModel();
  }

  function listen() {
    byId("model-choice").onchange = (event) => select(Number(event.target.value));
    byId("seed-choice").onchange = (event) => {
      state.seed = Number(event.target.value);
      showTraining();
    };
    const chosen = (name) => (byId(name).value === "" ? null : Number(byId(name).value));
    byId("filter").onchange = () => setFilter([chosen("true-choice"), chosen("predicted-choice")]);
    for (const form of document.querySelectorAll("form")) form.onsubmit = (event) => event.preventDefault();
    for (const button of document.querySelectorAll("button[data-model]")) {
      button.onclick = () => {
        select(Number(button.dataset.model));
        byId("model").scrollIntoView();
      };
    }
  }

  const diagnoses = data.codes.map((code, label) => [label, `${code}, ${data.names[label]}`]);
  fillChoice(byId("model-choice"), data.models.map(({ name }, number) => [number, name]));
  fillChoice(byId("true-choice"), [["", "all"], ...diagnoses]);
  fillChoice(byId("predicted-choice"), [["", "all"], ...diagnoses]);
  byId("choice").hidden = data.models.length === 1 && data.models[0].trainings.length === 1;
  byId("mistakes-missing").hidden = data.gallery !== null;
  byId("mistakes-gallery").hidden = data.gallery === null;
  listen();
  showModel();
  if (data.gallery) {
    loadSheet(data.gallery).then((sheet) => {
      state.sheet = sheet;
      showFiltered();
    });
  }
}

const data = unpackData(byId("data").textContent);
addThemeButton();
makeSortable();
listContents();
if (data) startModels(data);
