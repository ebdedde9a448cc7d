import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The content security policy has no exception for inlined files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // livekit-client alone is above the default of 500 kB.
    chunkSizeWarningLimit: 900,
  },
});
