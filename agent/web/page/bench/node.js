// npm run bench: the figures in Node, as JSON.

import { gates } from "../tests/gates.js";
import { bench } from "./measure.js";

const { node, v8 } = process.versions;
process.stdout.write(`${JSON.stringify({ node, v8, ...bench(gates) }, null, 1)}\n`);
