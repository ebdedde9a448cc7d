"""One page that shows a run: tables, curves, waveforms, stages."""
