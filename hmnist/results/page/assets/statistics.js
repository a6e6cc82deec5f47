// Counts and intervals. The tests compare them with the package's own.

const Z = 1.959963984540054; // the 97.5 % point of the normal distribution

// The 95% Wilson interval of a share of so many independent observations.
function wilson(share, count) {
  if (!count) return [null, null];
  const squared = (Z * Z) / count;
  const centre = (share + squared / 2) / (1 + squared);
  const spread = Math.sqrt((share * (1 - share)) / count + squared / count / 4);
  const half = (Z / (1 + squared)) * spread;
  return [Math.max(0, Math.min(share, centre - half)), Math.min(1, Math.max(share, centre + half))];
}

// Images by true diagnosis (rows) and predicted diagnosis (columns).
function countConfusion(labels, predicted, kinds) {
  const counts = Array.from({ length: kinds }, () => new Array(kinds).fill(0));
  labels.forEach((label, image) => (counts[label][predicted[image]] += 1));
  return counts;
}

// The diagnoses that a threshold of the malignant probability leads to.
function decideAt(training, threshold) {
  const reached = threshold * SHARE;
  return training.malignant.map((probability, image) =>
    probability >= reached ? training.likeliestMalignant[image] : training.likeliestBenign[image],
  );
}

// Images and lesions with a malignant (true) or a benign (false) diagnosis.
function countSides(data) {
  const sides = [true, false].map((malignant) => {
    const images = [...data.labels.keys()].filter(
      (image) => data.malignant.includes(data.labels[image]) === malignant,
    );
    const lesions = data.lesions && new Set(images.map((image) => data.lesions[image])).size;
    return { images: images.length, lesions };
  });
  return { malignant: sides[0], benign: sides[1] };
}

// Sensitivity and specificity; the intervals count lesions where they are known.
function scorePoint(data, sides, predicted) {
  const isMalignant = data.codes.map((_, label) => data.malignant.includes(label));
  let found = 0;
  let cleared = 0;
  data.labels.forEach((label, image) => {
    const called = isMalignant[predicted[image]];
    if (isMalignant[label] && called) found += 1;
    if (!isMalignant[label] && !called) cleared += 1;
  });
  const score = (name, right, side) => {
    const value = side.images ? right / side.images : null;
    const interval = wilson(value, side.lesions ?? side.images);
    return { name, value, interval, right, ...side };
  };
  return [
    score("sensitivity", found, sides.malignant),
    score("specificity", cleared, sides.benign),
  ];
}

// Points [1 − specificity, sensitivity] from the largest threshold to the smallest.
function traceCurve(data, training) {
  const sides = countSides(data);
  const order = [...training.malignant.keys()];
  order.sort((first, second) => training.malignant[second] - training.malignant[first]);
  const points = [[0, 0]];
  let hits = 0;
  let alarms = 0;
  order.forEach((image, place) => {
    if (data.malignant.includes(data.labels[image])) hits += 1;
    else alarms += 1;
    const next = order[place + 1];
    if (next === undefined || training.malignant[next] !== training.malignant[image]) {
      points.push([alarms / (sides.benign.images || 1), hits / (sides.malignant.images || 1)]);
    }
  });
  return points;
}
