import { expect, test } from 'vitest'
import { promtool, samplesIn, sumOf } from './prometheus.ts'
import { describeWithServer } from './vitest.ts'

test('samples have their name, their labels without escapes, and their value', () => {
  const text = `# HELP a_total of something
# TYPE a_total counter
a_total{otel_scope_name="x, {y}",path="C:\\\\new \\"one\\"\\nand"} 3
b 0.5
c_bucket{le="+Inf"} +Inf
`
  expect(samplesIn(text)).toEqual([
    { name: 'a_total', labels: { otel_scope_name: 'x, {y}', path: 'C:\\new "one"\nand' }, value: 3 },
    { name: 'b', labels: {}, value: 0.5 },
    { name: 'c_bucket', labels: { le: '+Inf' }, value: Infinity },
  ])
})

test.each(['<html>', 'a{b="c} 1', 'a{b=c} 1', 'a one', 'a{b="c" d="e"} 1'])('another form is an error: %s', (text) => {
  expect(() => samplesIn(text)).toThrow(/^no /)
})

test('series are summed by their labels, with and without our prefix', () => {
  const samples = samplesIn('finchat_secrets_reads{finchat_secrets_result="hit",job="a"} 1\nfinchat_secrets_reads{job="a"} 2\n')
  expect([{}, { result: 'hit' }, { job: 'a' }, { job: 'b' }].map((labels) => sumOf(samples, 'reads', labels))).toEqual([3, 1, 3, undefined])
})

describeWithServer('promtool', 'promtool', () => {
  test('says what it is', () => {
    expect(promtool('--version')).toMatchObject({ status: 0, output: expect.stringContaining('promtool, version 2.') })
  })
})
