"""Real telephone calls: sipp's signalling, our sound, livekit-sip between them and the room."""
