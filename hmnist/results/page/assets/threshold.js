// The operating point: a threshold of the malignant probability, and what follows from it.

// The middle one of the thresholds that were fitted in the folds; null without any.
function fittedThreshold(training) {
  const sorted = [...training.thresholds].sort((first, second) => first - second);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

function describeFitted(training) {
  const { thresholds } = training;
  if (!thresholds.length) return "None could be fitted on validation.";
  const goal = `fitted on validation for a sensitivity of ${formatScore(training.sensitivity)}`;
  if (thresholds.length === 1) return `${formatScore(thresholds[0])}, ${goal}.`;
  const range = `${formatScore(Math.min(...thresholds))} to ${formatScore(Math.max(...thresholds))}`;
  return `${formatScore(fittedThreshold(training))}, the median of ${thresholds.length} folds (${range}), each ${goal}.`;
}

function showFitted(training) {
  const fitted = fittedThreshold(training);
  byId("fitted-text").textContent = describeFitted(training);
  byId("fitted").hidden = fitted === null;
  const marks = training.thresholds.map((threshold) => {
    const mark = make("i");
    mark.style.setProperty("--at", threshold);
    return mark;
  });
  byId("marks").replaceChildren(...marks);
}

function showCurve(data, sides, training) {
  const square = unitSquare("ROC curve: malignant against benign", "1 − specificity", "sensitivity");
  const place = ([across, upward]) => `${(240 * across).toFixed(1)},${(240 - 240 * upward).toFixed(1)}`;
  const points = traceCurve(data, training).map(place).join(" ");
  square.append(
    drawing("line", { class: "chance", x1: 0, y1: 240, x2: 240, y2: 0 }),
    drawing("polyline", { class: "curve", points }),
  );
  const fitted = fittedThreshold(training);
  if (fitted !== null) {
    const [sensitivity, specificity] = scorePoint(data, sides, decideAt(training, fitted));
    square.append(circleAt("ring", 7, sensitivity, specificity));
  }
  square.append(drawing("circle", { class: "point", id: "curve-point", r: 5 }));
  byId("curve").replaceChildren(square);
}

function circleAt(kind, r, sensitivity, specificity) {
  return drawing("circle", {
    class: kind,
    r,
    cx: 240 * (1 - (specificity.value ?? 1)),
    cy: 240 * (1 - (sensitivity.value ?? 0)),
  });
}

function showPoint(data, sides, training, threshold) {
  const predicted = decideAt(training, threshold);
  const scores = scorePoint(data, sides, predicted);
  const [sensitivity, specificity] = scores;
  byId("threshold-value").textContent = formatScore(threshold);
  byId("point-caption").textContent = data.lesions
    ? `At this threshold, on the test part. Wilson intervals count lesions: ${formatCount(sides.malignant.lesions)} malignant, ${formatCount(sides.benign.lesions)} benign.`
    : "At this threshold, on the test part. Wilson intervals count images, since lesions are unknown.";
  fillRows(
    byId("point"),
    scores.map((score) => [
      score.name,
      formatScore(score.value),
      formatInterval(score.interval),
      `${formatCount(score.right)} of ${formatCount(score.images)}`,
    ]),
  );
  const point = byId("curve-point");
  point.setAttribute("cx", 240 * (1 - (specificity.value ?? 1)));
  point.setAttribute("cy", 240 * (1 - (sensitivity.value ?? 0)));
  showConfusion(byId("point-confusion"), data, countConfusion(data.labels, predicted, data.codes.length));
  return scores;
}

// Spoken when the slider comes to rest; while it moves, that would be too much.
function speakPoint(scores, threshold) {
  const spoken = scores.map(({ name, value, interval }) =>
    `${name} ${formatScore(value)} ${formatInterval(interval)}`,
  );
  byId("point-spoken").textContent = `Threshold ${formatScore(threshold)}: ${spoken.join(", ")}`;
}

// Called once for each training that is shown; later events replace earlier ones.
function showOperatingPoint(data, sides, training) {
  const slider = byId("threshold");
  const show = () => showPoint(data, sides, training, Number(slider.value));
  const moveTo = (threshold) => {
    slider.value = threshold;
    // The slider rounds to its step; a threshold that was fitted counts to all its digits.
    speakPoint(showPoint(data, sides, training, threshold), threshold);
  };
  showFitted(training);
  showCurve(data, sides, training);
  slider.oninput = show;
  slider.onchange = () => speakPoint(show(), Number(slider.value));
  byId("fitted").onclick = () => moveTo(fittedThreshold(training));
  const start = fittedThreshold(training) ?? 0.5;
  slider.value = start;
  showPoint(data, sides, training, start);
}
