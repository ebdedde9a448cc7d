// Draws the chosen event: the caller above, the agent below, with what happened when.
const events = JSON.parse(document.getElementById("timelines").textContent);
const picks = ["system", "set", "outcome"].map((name) => document.getElementById(`pick-${name}`));
const pickEvent = document.getElementById("pick-event");
const canvas = document.getElementById("timeline");
const facts = document.getElementById("timeline-facts");

function fill(select, values) {
  const before = select.value;
  select.replaceChildren(...values.map(([value, text]) => new Option(text, value)));
  if (values.some(([value]) => value === before)) select.value = before;
}

function offer() {
  const chosen = events
    .map((event, index) => [event, index])
    .filter(([event]) => picks.every((p) => !p.value || event[p.id.slice(5)] === p.value));
  fill(
    pickEvent,
    chosen.map(([event, index]) => [String(index), `${event.call}: ${event.text} (${event.kind}, ${event.outcome})`]),
  );
  draw();
}

// Amplitudes from 0 to 1 against the loudest of the lane; roots show the soft parts, too.
function amplitudes(lane) {
  const peaks = Array.from(atob(lane), (c) => 10 ** ((c.charCodeAt(0) - 100) / 20));
  const loudest = Math.max(0.02, ...peaks);
  return peaks.map((peak) => Math.sqrt(peak / loudest));
}

function draw() {
  const event = events[Number(pickEvent.value)];
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, 260];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12px sans-serif";
  if (!event || pickEvent.selectedIndex < 0) {
    facts.textContent = "no such event";
    return;
  }
  const lanes = [["caller", "#1f5fbf", 72], ["agent", "#0b6e4f", 164]];
  const seconds = atob(event.caller).length * event.step;
  const x = (at) => (at / seconds) * width;
  for (const [start, end] of event.pauses) {
    pen.fillStyle = "#f4e3b2";
    pen.fillRect(x(start), 28, x(end) - x(start), 88);
  }
  pen.fillStyle = "#777";
  for (let at = 0; at <= seconds; at += 1) pen.fillText(`${at} s`, x(at) + 2, 252);
  for (const [name, colour, middle] of lanes) {
    pen.fillStyle = colour;
    amplitudes(event[name]).forEach((amplitude, index) => {
      const half = Math.max(0.5, 42 * amplitude);
      pen.fillRect(x(index * event.step), middle - half, Math.max(1, x(event.step)), 2 * half);
    });
    pen.fillText(name, 4, middle - 34);
  }
  mark(pen, x(event.event[1]), "end of speech", "#c1440e", 12);
  if (event.onset !== null) mark(pen, x(event.onset), "first sound", "#0b6e4f", 24);
  const stages = Object.entries(event.stages);
  stages.forEach(([, at], index) => mark(pen, x(at), String(index + 1), "#888", 218 + (index % 2) * 14));
  const parts = [event.outcome];
  if (event.why) parts.push(event.why);
  if (event.response !== undefined && event.response !== null) parts.push(`response ${event.response.toFixed(3)} s`);
  if (event.stop !== null) parts.push(`silent after ${event.stop.toFixed(3)} s`);
  if (stages.length) {
    const told = stages.map(([name, at], index) => {
      return `${index + 1} ${name.replaceAll("_", " ")} ${(at - event.event[1]).toFixed(3)}`;
    });
    parts.push(`seconds from the end of speech: ${told.join(", ")}`);
  }
  facts.textContent = `${event.system}, ${event.call}, voice ${event.voice}: ${parts.join("; ")}`;
}

function mark(pen, at, name, colour, y) {
  pen.fillStyle = colour;
  pen.fillRect(at, 16, 1, 220);
  pen.textAlign = at > canvas.clientWidth - 90 ? "right" : "left";
  pen.fillText(name, at + (pen.textAlign === "left" ? 3 : -3), y);
  pen.textAlign = "left";
}

for (const select of picks) {
  const name = select.id.slice(5);
  const values = [...new Set(events.map((event) => event[name]))];
  fill(select, [["", `any ${name}`], ...values.map((value) => [value, value])]);
  select.addEventListener("change", offer);
}
pickEvent.addEventListener("change", draw);
addEventListener("resize", draw);
if (events.length) offer();
