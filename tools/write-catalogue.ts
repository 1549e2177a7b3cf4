/** `npm run schema`: writes docs/catalogue.md from what is installed. */
import { writeFile } from 'node:fs/promises'
import { cataloguePage } from '../harness/cli/catalogue/catalogue.ts'
import { openRegistry } from '../harness/registry.ts'

await writeFile(new URL('../docs/catalogue.md', import.meta.url), await cataloguePage(openRegistry()))
