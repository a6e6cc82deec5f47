"use strict";
// Numbers of each image arrive as bytes in base64 (little-endian); see models.py.

const SHARE = 65535;

function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

// What one training predicts for the n test images: diagnoses as positions in data.codes.
function unpackTraining(training, data) {
  const answers = unpack(training.answers, Uint8Array);
  return {
    ...training,
    predicted: answers.map((answer) => answer & 7),
    likeliestMalignant: answers.map((answer) => data.malignant[(answer >> 3) & 3]),
    likeliestBenign: answers.map((answer) => data.benign[answer >> 5]),
    malignant: unpack(training.malignant, Uint16Array),
    confidence: unpack(training.confidence, Uint16Array),
  };
}

function unpackData(text) {
  const data = JSON.parse(text);
  if (!data) return null;
  data.labels = unpack(data.labels, Uint8Array);
  data.lesions = data.lesions && unpack(data.lesions, Uint32Array);
  return data;
}
