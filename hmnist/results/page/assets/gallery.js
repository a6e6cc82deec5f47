// The mistakes of a model as pictures, the most confident first.

const PAGE_OF_PICTURES = 48;

function loadSheet(gallery) {
  const sheet = new Image();
  sheet.src = gallery.sheet;
  return sheet.decode().then(() => sheet);
}

// Mistakes that have a picture, filtered by true and predicted diagnosis (null: all of them).
function findMistakes(data, training, [label, other]) {
  const { images } = data.gallery;
  const mistakes = [];
  images.forEach((image, picture) => {
    const [isTrue, isPredicted] = [data.labels[image], training.predicted[image]];
    const fits = (label === null || label === isTrue) && (other === null || other === isPredicted);
    if (isTrue !== isPredicted && fits) mistakes.push({ image, picture });
  });
  const confidence = ({ image }) => training.confidence[image];
  return mistakes.sort((first, second) => confidence(second) - confidence(first));
}

function countMistakes(data, training, [label, other]) {
  const counts = countConfusion(data.labels, training.predicted, data.codes.length);
  let total = 0;
  counts.forEach((row, isTrue) => row.forEach((count, isPredicted) => {
    const fits = (label === null || label === isTrue) && (other === null || other === isPredicted);
    if (isTrue !== isPredicted && fits) total += count;
  }));
  return total;
}

function drawPicture(sheet, gallery, picture, about) {
  const { width, height, columns } = gallery;
  const canvas = make("canvas", { width, height, role: "img", "aria-label": about });
  const [left, top] = [(picture % columns) * width, Math.floor(picture / columns) * height];
  canvas.getContext("2d").drawImage(sheet, left, top, width, height, 0, 0, width, height);
  return canvas;
}

function makePicture(sheet, data, training, { image, picture }) {
  const [isTrue, isPredicted] = [data.labels[image], training.predicted[image]];
  const words = `${data.codes[isTrue]} → ${data.codes[isPredicted]}`;
  const id = data.gallery.ids[picture];
  const about = `${id}: ${data.names[isTrue]}, predicted ${data.names[isPredicted]}`;
  return make(
    "li",
    {},
    drawPicture(sheet, data.gallery, picture, about),
    make("strong", {}, words),
    make("span", {}, `probability ${formatScore(training.confidence[image] / SHARE)}`),
    make("span", {}, id),
    make("span", {}, data.gallery.patients[picture]),
  );
}

function describeCount(shown, pictured, total) {
  if (!total) return "No such mistakes.";
  const all = `${formatCount(total)} mistake${total === 1 ? "" : "s"}`;
  const order = "; true → predicted, the most confident first.";
  if (shown === total) return `${all}${order}`;
  const kept = pictured < total ? ` Of ${formatCount(pictured)} this page holds the picture.` : "";
  return `${formatCount(shown)} of ${all}${order}${kept}`;
}

// Shows the mistakes; "Show more" adds to them.
function showMistakes(sheet, data, training, filter) {
  const mistakes = findMistakes(data, training, filter);
  const total = countMistakes(data, training, filter);
  const list = byId("pictures");
  list.replaceChildren();
  const more = () => {
    const next = mistakes.slice(list.children.length, list.children.length + PAGE_OF_PICTURES);
    list.append(...next.map((mistake) => makePicture(sheet, data, training, mistake)));
    byId("more").hidden = list.children.length === mistakes.length;
    byId("mistakes-count").textContent = describeCount(list.children.length, mistakes.length, total);
  };
  byId("more").onclick = more;
  more();
}
