// One stack for the whole run. Workers learn of it through the environment.
import { startStack } from "./stack.ts";

export const ACCESS = "DUMONT_END2END_ACCESS";

export default async function globalSetup(): Promise<() => Promise<void>> {
  const { stop, ...access } = await startStack();
  process.env[ACCESS] = JSON.stringify(access);
  return stop;
}
