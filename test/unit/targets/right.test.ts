import { describe, expect, test } from 'vitest'
import { digestFor, findOne, isRight, rightDigest, whyNoRight } from '../../../harness/model/right.ts'

const document = { status: 'done', result: { topic: 't-00001', pages: 3, empty: null, no: false } }
const values = { key: 't-00001' }

describe('what a right result has', () => {
  test.each([
    ['$.result.topic', true],
    ['$.result.pages', true],
    ['$.result.empty', false],
    ['$.result.no', false],
    ['$.result.none', false],
    ['$.result.topic == "t-00001"', true],
    ['$.result.topic == "{key}"', true],
    ['$.result.topic == "t-00002"', false],
    ['$.result.pages == 3', true],
    ['$.result.pages == "3"', false],
    ['$.result == {"topic":"t-00001","pages":3,"empty":null,"no":false}', true],
    ['$.result[?@ == 3]', true],
    ['$.result[?@ == 4]', false],
  ])('%s: %s', (right, expected) => {
    expect(isRight(right, document, values)).toBe(expected)
  })

  test('a document without parts has only itself', () => {
    expect(isRight('$', 'text', {})).toBe(true)
    expect(isRight('$.a', 'text', {})).toBe(false)
    expect(findOne('$', 7)).toBe(7)
  })

  test('what cannot be asked is said', () => {
    expect(whyNoRight('$.a')).toBeUndefined()
    expect(whyNoRight('$.a == "{key}"')).toBeUndefined()
    expect(whyNoRight('$.a[')).toMatch(/./)
    expect(whyNoRight('$.a == nonsense')).toMatch(/./)
  })

  test('right results have one digest, wrong ones each their own', () => {
    expect(digestFor(true, document)).toBe(rightDigest)
    expect(digestFor(false, document)).not.toBe(digestFor(false, { ...document, status: 'x' }))
    expect(digestFor(false, document)).not.toBe(rightDigest)
  })
})
