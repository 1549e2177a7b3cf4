import { homedir } from 'node:os'

/**
 * A user of whom the system knows nothing, as in many containers, has a home from now on: one that is not there.
 * Without it a program gets an error where no error is expected, as in the client of Docker.
 */
export function ensureHome(): void {
  try {
    homedir()
  } catch {
    process.env['HOME'] = '/nonexistent'
  }
}
