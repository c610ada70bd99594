import { Ajv } from 'ajv'
import { expect, it } from 'vitest'
import { type Block, blocksOf } from '../testing/guide.ts'
import { jsonSchema } from '../testing/json-schema.ts'
import { parseConfig } from './parse-config.ts'

const members = ['provider', 'fallbacks', 'secrets', 'rotation', 'providers', 'local', 'vault', 'audit']
const configured = ['README.md', 'docs/*.md', 'packages/*/README.md'].flatMap(blocksOf).filter(isConfiguration)

function isConfiguration({ language, text }: Block): boolean {
  return language === 'json' && members.some((member) => Object.hasOwn(JSON.parse(text) as object, member))
}

it('documents show configurations, which this test finds', () => {
  expect(configured.map(({ place }) => place.split(':')[0])).toEqual(
    expect.arrayContaining(['docs/cli.md', 'docs/deployment.md', 'packages/cli/README.md']),
  )
})

it.each(configured)('the configuration at $place is right, by the parser and by the schema', ({ text }) => {
  const content: unknown = JSON.parse(text)
  expect(parseConfig(content, 'the document')).toEqual(content)
  const ajv = new Ajv({ strict: false })
  expect([ajv.validate(jsonSchema(), content), ajv.errors]).toEqual([true, null])
})
