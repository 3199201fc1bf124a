import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  expect: { timeout: 15_000 },
  workers: 1, // the tests share the simulators
  webServer: {
    command: "crossapp up --json --limits raised --port 0",
    wait: { stdout: /^(?<crossapp>\{.*\})\s*$/m }, // becomes process.env.CROSSAPP
  },
  use: {
    launchOptions: { executablePath: process.env.CHROMIUM, args: process.env.CI ? ["--no-sandbox"] : [] },
  },
});
