// Run a TensorFlow.js graph model on raw pictures with TensorFlow.js itself, its plain JavaScript backend.
//
//   node tfjs_oracle.cjs MODEL.json INPUT HEIGHT WIDTH OUTPUT NODE...
//
// INPUT holds float32 pictures HEIGHT x WIDTH x 3 one after the other, each run alone; OUTPUT gets the nodes'
// values as float32, all nodes of the first picture, then of the second. Needs @tensorflow/tfjs 4.22.0, which
// Facet itself does not; the npm client installs it in a throw-away folder that holds a copy of this file.
const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");

async function main([model, input, height, width, output, ...nodes]) {
  await tf.setBackend("cpu");
  const { modelTopology, weightsManifest } = JSON.parse(fs.readFileSync(model, "utf8"));
  const shards = weightsManifest
    .flatMap((group) => group.paths)
    .map((name) => fs.readFileSync(path.join(path.dirname(model), name)));
  const whole = Buffer.concat(shards);
  const weightData = whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  const graph = await tf.loadGraphModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) });
  const bytes = fs.readFileSync(input);
  const pixels = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const size = height * width * 3;
  const found = [];
  for (let start = 0; start < pixels.length; start += size) {
    const picture = tf.tensor4d(pixels.slice(start, start + size), [1, Number(height), Number(width), 3]);
    const answers = await graph.executeAsync(picture, nodes);
    for (const answer of [answers].flat()) {
      console.log(answer.shape.join("x"));
      found.push(Buffer.from(Float32Array.from(answer.dataSync()).buffer));
    }
  }
  fs.writeFileSync(output, Buffer.concat(found));
}

main(process.argv.slice(2));
