import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestProject } from "vitest/node";
import type { Crossapp } from "./crossapp";

declare module "vitest" {
  export interface ProvidedContext {
    crossapp: Crossapp;
  }
}

export default async function (project: TestProject) {
  const child = spawn("crossapp", ["up", "--json", "--exit-with-stdin", "--limits", "raised", "--port", "0"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`crossapp up ended with ${code}`)));
  });
  project.provide("crossapp", JSON.parse(line));
  return () => child.stdin.end();
}
