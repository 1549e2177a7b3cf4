import { homedir } from 'node:os'

/**
 * A user of whom the system knows nothing, as in many containers, has a home from now on: one that is not there. Without it
 * whoever asks gets an error where nobody expects one, as in the client of Docker.
 */
export function ensureHome(): void {
  try {
    homedir()
  } catch {
    process.env['HOME'] = '/nonexistent'
  }
}
