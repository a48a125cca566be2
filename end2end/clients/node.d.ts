// The little of Node that drive.ts needs.
declare const process: { env: Record<string, string | undefined> };
declare module "node:fs" {
  export function readFileSync(path: string, encoding: "utf8"): string;
}
