import type { ConformFormat } from '../report.ts'

export default {
  name: 'json',
  summary: 'one JSON document: a list of what was checked, each with its cases',
  render: (reports) => JSON.stringify(reports, null, 1),
} satisfies ConformFormat
