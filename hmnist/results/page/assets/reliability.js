// How often a model is right, by how confident it is.

function showReliability(data, training) {
  const bins = training.reliability
    .map(([low, high, images, observations, confidence, accuracy]) => ({
      low,
      high,
      images,
      observations,
      confidence,
      accuracy,
    }))
    .filter(({ images }) => images > 0);
  const square = unitSquare("Reliability: share right by probability", "probability", "share right");
  for (const { low, high, observations, accuracy } of bins) {
    const [bottom, top] = wilson(accuracy, observations);
    const middle = 120 * (low + high);
    square.append(
      drawing("rect", {
        class: "bar-shape",
        x: 240 * low + 1,
        y: 240 - 240 * accuracy,
        width: 240 * (high - low) - 2,
        height: 240 * accuracy,
      }),
      drawing("line", { class: "whisker", x1: middle, x2: middle, y1: 240 - 240 * bottom, y2: 240 - 240 * top }),
    );
  }
  square.append(drawing("line", { class: "chance", x1: 0, y1: 240, x2: 240, y2: 0 }));
  byId("reliability-chart").replaceChildren(square);
  byId("reliability-about").textContent =
    "Bars: the share of images whose likeliest diagnosis is the true one, by the probability of that diagnosis; " +
    `lines: 95% Wilson intervals over ${data.lesions ? "lesions" : "images"}. ` +
    "Bars that reach the diagonal are calibrated.";
  const rows = bins.map(({ low, high, images, confidence, accuracy }) => [
    `${formatScore(low)} to ${formatScore(high)}`,
    formatCount(images),
    formatScore(confidence),
    formatScore(accuracy),
  ]);
  fillRows(byId("reliability-table"), rows);
}
