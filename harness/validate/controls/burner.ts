/** Keeps one core busy until its starter is gone: between two slices it checks whether its stdin has ended. */
const sliceMs = 50

process.stdin.on('end', () => process.exit(0)).resume()

function burn(): void {
  const until = performance.now() + sliceMs
  while (performance.now() < until);
  setImmediate(burn)
}
burn()
