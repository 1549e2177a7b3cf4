import { expect, test } from 'vitest'
import {
  entityTag,
  mediaTypeOf,
  mustAskForBearer,
  mustBeAdvice,
  mustBeFresh,
} from '../../../harness/conform/headers.ts'

test.each([['"6"'], ['W/"6"'], ['"6-gzip"'], ['""']])('%s is an entity tag, compared weakly', (etag) => {
  expect(entityTag('it', { etag })).toBe(etag.replace('W/', ''))
})

test.each([['6'], ['w/"6"'], ['"6'], ['"a b"'], [undefined]])('%s is no entity tag', (etag) => {
  expect(() => entityTag('it', { etag })).toThrow(/entity tag/)
})

test.each([['no-store'], ['private, No-Store, no-transform'], ['no-cache'], ['max-age=0,no-cache="x"']])(
  '%s keeps no old answer',
  (value) => {
    expect(() => mustBeFresh('it', { 'cache-control': value })).not.toThrow()
  },
)

test.each([['max-age=60'], ['private'], ['x-no-store'], [undefined]])('%s keeps old answers', (value) => {
  expect(() => mustBeFresh('it', { 'cache-control': value })).toThrow(/Cache-Control/)
})

test.each([['0'], ['120'], ['Sun, 06 Nov 1994 08:49:37 GMT'], [undefined]])('%s is advice, or none', (value) => {
  expect(() => mustBeAdvice('it', { 'retry-after': value })).not.toThrow()
})

test.each([['soon'], ['-1'], ['1.5'], ['2026-01-01'], ['Sun, 06 Nov 1994 08:49:37'], ['']])(
  '%s is no advice',
  (value) => {
    expect(() => mustBeAdvice('it', { 'retry-after': value })).toThrow(/Retry-After/)
  },
)

test.each([['Bearer'], ['bearer realm="x"'], ['Basic realm="x", Bearer']])('%s asks for a bearer token', (value) => {
  expect(() => mustAskForBearer({ 'www-authenticate': value })).not.toThrow()
})

test.each([['Basic realm="bearer"'], ['Bearers'], [undefined]])('%s does not', (value) => {
  expect(() => mustAskForBearer({ 'www-authenticate': value })).toThrow(/Bearer/)
})

test('a media type has no parameters and no case', () => {
  expect(mediaTypeOf({ 'content-type': 'Application/Problem+JSON; charset=utf-8' })).toBe('application/problem+json')
  expect(mediaTypeOf({})).toBe(undefined)
})
