/** Loaded into a node before its program: on SIGUSR2 it collects garbage and writes down what stays. */
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const path = process.env['OUTLAST_FUZZ_PROBE']
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

if (path !== undefined)
  process.on('SIGUSR2', () => {
    collect()
    collect()
    writeFileSync(path, String(process.memoryUsage().heapUsed))
  })
