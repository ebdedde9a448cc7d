import assert from "node:assert/strict";
import { test } from "node:test";
import { Transcript } from "../.test-build/transcript.js";

const shown = (transcript) => transcript.lines.map(({ who, text, final }) => [who, text, final]);

test("each new version of the caller's segment replaces the text", () => {
  const transcript = new Transcript();
  for (const [text, final] of [["what", false], ["what time", false], ["What time is it?", true]]) {
    const stream = transcript.open("s1", "you");
    stream.append(text);
    stream.close(final);
  }
  assert.deepEqual(shown(transcript), [["you", "What time is it?", true]]);
});

test("the chunks of one stream add up until it is closed", () => {
  const transcript = new Transcript();
  const stream = transcript.open("s1", "agent");
  stream.append("It is ");
  assert.deepEqual(stream.append("six."), {
    segment: "s1", who: "agent", name: "", text: "It is six.", final: false,
  });
  stream.close(true);
  assert.deepEqual(shown(transcript), [["agent", "It is six.", true]]);
});

test("a new version shows nothing until its first chunk", () => {
  const transcript = new Transcript();
  transcript.open("s1", "you").append("what time");
  const next = transcript.open("s1", "you");
  assert.deepEqual(shown(transcript), [["you", "what time", false]]);
  next.append("What time is it");
  assert.deepEqual(shown(transcript), [["you", "What time is it", false]]);
});

test("a late chunk of an older version is ignored", () => {
  const transcript = new Transcript();
  const old = transcript.open("s1", "you");
  transcript.open("s1", "you").append("what time");
  assert.equal(old.append("wh"), null);
  assert.deepEqual(shown(transcript), [["you", "what time", false]]);
});

test("an interim version never takes back a final one", () => {
  const transcript = new Transcript();
  const final = transcript.open("s1", "you");
  final.append("Stop.");
  final.close(true);
  assert.equal(transcript.open("s1", "you").append("sto"), null);
  assert.deepEqual(shown(transcript), [["you", "Stop.", true]]);
});

test("an empty final version keeps the words and ends the segment", () => {
  const transcript = new Transcript();
  transcript.open("s1", "you").append("hello");
  transcript.open("s1", "you").close(true);
  assert.deepEqual(shown(transcript), [["you", "hello", true]]);
});

test("a segment without words makes no line", () => {
  const transcript = new Transcript();
  const stream = transcript.open("s1", "agent");
  assert.equal(stream.append(" "), null);
  assert.equal(stream.close(true), null);
  assert.deepEqual(transcript.lines, []);
});

test("lines stay in the order in which they began", () => {
  const transcript = new Transcript();
  const agent = transcript.open("a", "agent");
  agent.append("Hello");
  transcript.add("t", "you", "typed");
  agent.append(" there.");
  assert.deepEqual(shown(transcript).map(([who]) => who), ["agent", "you"]);
});

test("finishing marks the open lines, and only them", () => {
  const transcript = new Transcript();
  transcript.add("t", "you", "typed");
  transcript.open("a", "agent").append("Hel");
  assert.deepEqual(transcript.finish().map((line) => line.segment), ["a"]);
  assert.deepEqual(transcript.finish(), []);
});
