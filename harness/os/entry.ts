import { fileURLToPath } from 'node:url'

/** Path of a process entry of ours beside `base` (an `import.meta.url`): `.ts` in a checkout, `.js` once built. */
export function entryPath(name: string, base: string): string {
  return fileURLToPath(new URL(name + (base.endsWith('.ts') ? '.ts' : '.js'), base))
}
