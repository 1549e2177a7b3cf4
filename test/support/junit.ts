import { readFile } from 'node:fs/promises'
import { parse, type TestCase } from 'junit2json'
import { validateXML } from 'xmllint-wasm'

const schema = { fileName: 'junit.xsd', contents: await readFile(new URL('junit.xsd', import.meta.url), 'utf8') }

/** What libxml2 has against the document, by the schema beside this file. Empty: it is well-formed and valid. */
export async function schemaProblems(document: string): Promise<readonly string[]> {
  const { errors } = await validateXML({ xml: [{ fileName: 'report.xml', contents: document }], schema: [schema] })
  return errors.map(({ rawMessage }) => rawMessage)
}

/** Its test cases as a JUnit reader that is not ours sees them, by `classname name`. */
export async function readCases(document: string): Promise<ReadonlyMap<string, TestCase>> {
  const read = await parse(document)
  const suites = read && 'testsuite' in read ? (read.testsuite ?? []) : []
  const cases = suites.flatMap((suite) => suite.testcase ?? [])
  return new Map(cases.map((one) => [`${one.classname} ${one.name}`, one]))
}
