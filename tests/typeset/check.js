// Reads one JSON list of [formula, display] per line, answers with one JSON list of complaints (null: none).
const katex = require("katex");
const lines = require("readline").createInterface({ input: process.stdin });

function complaint([formula, displayMode]) {
  try {
    katex.renderToString(formula, { displayMode, strict: "error", throwOnError: true, output: "html" });
    return null;
  } catch (error) {
    return String(error.message);
  }
}

lines.on("line", (line) => process.stdout.write(JSON.stringify(JSON.parse(line).map(complaint)) + "\n"));
