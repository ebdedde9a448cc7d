// What the agent sends as text streams: transcripts, turn records, notices and receipts.

import type { Room, TextStreamReader } from "livekit-client";
import { parseNotice, type Notice } from "./notice.js";
import { parseReceipt } from "./outbox.js";
import type { TranscriptStream } from "./transcript.js";
import { parseTurnRecord, type TurnRecord } from "./turn_record.js";

export interface StreamListener {
  /** A new version of a segment said by the participant `identity`; null leaves it unread. */
  onSegment(segment: string, identity: string): TranscriptStream | null;
  onTurn(record: TurnRecord): void;
  onNotice(notice: Notice): void;
  /** The agent has the text `id`. */
  onReceipt(id: string): void;
}

/** Listens to all of the agent's topics; call it before the room is connected, so as to miss nothing. */
export function listen(room: Room, listener: StreamListener): void {
  room.registerTextStreamHandler("lk.transcription", (reader, { identity }) => {
    const segment = reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    const stream = listener.onSegment(segment, identity);
    if (stream) void follow(reader, stream);
  });
  room.registerTextStreamHandler("parley.turn", (reader) => void readTurn(reader, listener));
  room.registerTextStreamHandler("parley.notice", (reader) => void readNotice(reader, listener));
  room.registerTextStreamHandler("parley.receipt", (reader) => void readReceipt(reader, listener));
}

async function follow(reader: TextStreamReader, stream: TranscriptStream): Promise<void> {
  try {
    for await (const chunk of reader) stream.append(chunk);
    // The attribute may come with the end of the stream, so it is read only then.
    stream.close(reader.info.attributes?.["lk.transcription_final"] === "true");
  } catch {
    stream.close(true); // cut off: the sender is gone and nothing more will come
  }
}

let warned = false;

async function readTurn(reader: TextStreamReader, listener: StreamListener): Promise<void> {
  try {
    listener.onTurn(parseTurnRecord(await reader.readAll()));
  } catch (error) {
    if (!warned) console.warn("A turn record was ignored:", (error as Error).message);
    warned = true;
  }
}

async function readNotice(reader: TextStreamReader, listener: StreamListener): Promise<void> {
  const notice = parseNotice(await reader.readAll().catch(() => ""));
  if (notice) listener.onNotice(notice);
}

async function readReceipt(reader: TextStreamReader, listener: StreamListener): Promise<void> {
  const id = parseReceipt(await reader.readAll().catch(() => ""));
  if (id) listener.onReceipt(id);
}
