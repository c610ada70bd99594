import { generatorKinds, type Kinds, rotationShapes, targetKinds } from '../config/rotation-settings.ts'
import { chainSettings, declarationShapes, providerNames, sections, type Shape } from '../config/settings.ts'

type Described = Shape & { readonly description: string }
type Schema = Readonly<Record<string, unknown>>

/** The JSON schema of the configuration file, from the table that its parser reads. */
export function jsonSchema(): Schema {
  const members = Object.entries(sections).map(([name, settings]) => [name, objectOf(settings)])
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'finchat-secrets.config.json',
    description: 'Providers, cache, audit and the needed secrets of @finchat/secrets. It holds no secret. FINCHAT_* variables override it.',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...propertiesOf(chainSettings),
      ...chainSchemas,
      ...Object.fromEntries(members),
      secrets: {
        description: 'the secrets that the application needs, by the name under which it reads them',
        type: 'object',
        propertyNames: { pattern: name },
        additionalProperties: objectOf(declarationShapes),
      },
      rotation: {
        description: 'how secrets are rotated, by a declared name or by the name in the chain',
        type: 'object',
        propertyNames: { pattern: name },
        additionalProperties: {
          type: 'object',
          properties: { ...propertiesOf(rotationShapes), generate: kindsOf(generatorKinds), target: kindsOf(targetKinds) },
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
    // JSON schema cannot say that a name is one of the keys of `providers`.
    if: { required: ['providers'] },
    else: { properties: { provider: { enum: providerNames }, fallbacks: { items: { enum: providerNames } } } },
  }
}

/** A name of ours, which editors propose, or one of `providers`. */
const chainName: Schema = { anyOf: [{ enum: providerNames }, { type: 'string', pattern: '^[a-z][a-z0-9-]*$' }] }

const chainSchemas: Readonly<Record<string, Schema>> = {
  provider: { description: chainSettings.provider.description, ...chainName },
  fallbacks: { description: chainSettings.fallbacks.description, type: 'array', items: chainName, uniqueItems: true },
  providers: {
    description: 'providers of other packages, by their name in the chain; the package exports a function such as myStoreFromEnv',
    type: 'object',
    propertyNames: { pattern: '^[a-z][a-z0-9-]*$' },
    additionalProperties: { type: 'string', pattern: String.raw`^(@[a-z0-9-][\w.-]*/)?[a-z0-9][\w.-]*(/[\w-][\w.-]*)*$` },
  },
}

function objectOf(shapes: Readonly<Record<string, Described>>): Schema {
  return { type: 'object', properties: propertiesOf(shapes), additionalProperties: false }
}

function kindsOf(kinds: Kinds): Schema {
  const sectionOf = ([kind, shapes]: [string, Kinds[string]]): Schema => ({
    type: 'object',
    properties: { kind: { const: kind }, ...propertiesOf(shapes) },
    required: ['kind', ...Object.keys(shapes).filter((member) => shapes[member]?.needed)],
    additionalProperties: false,
  })
  return { oneOf: Object.entries(kinds).map(sectionOf) }
}

function propertiesOf(shapes: Readonly<Record<string, Described>>): Schema {
  return Object.fromEntries(
    Object.entries(shapes).map(([member, shape]) => [member, { description: shape.description, ...shapeSchema(shape) }]),
  )
}

/** The names that core takes, see `isValidName`. */
const name = String.raw`^(?!.*(^|/)\.{0,2}(/|$))[A-Za-z0-9/_+=.@:-]{1,512}$`
const mappableName = name.replace('+=', '+')
const text = { type: 'string', minLength: 1, pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f]*$` }
const count = { type: 'integer', minimum: 0, maximum: 999_999_999 }
const switched = { type: 'boolean' }
const control = String.raw`\u0000-\u001f\u007f-\u009f`
const part = String.raw`[^#,\s${control}]([^#,${control}]*[^#,\s${control}])?`
const fieldPart = String.raw`[^,\s${control}]([^,${control}]*[^,\s${control}])?`

const plain: Readonly<Record<string, Schema>> = {
  text,
  path: text,
  switch: switched,
  count,
  positive: { ...count, minimum: 1 },
  texts: { type: 'array', items: text, minItems: 1 },
  paths: {
    type: 'object',
    propertyNames: { pattern: mappableName },
    additionalProperties: { type: 'string', pattern: `^${part}(#${fieldPart})?$` },
  },
  credential: {
    oneOf: [
      onlyMember('variable', { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
      onlyMember('file', text),
      onlyMember('keychain', text),
    ],
  },
}

function onlyMember(member: string, schema: Schema): Schema {
  return { type: 'object', properties: { [member]: schema }, required: [member], additionalProperties: false }
}

function shapeSchema(shape: Shape): Schema {
  if (shape.kind === 'list') return { type: 'array', items: { enum: shape.words }, uniqueItems: true }
  if (shape.kind !== 'choice') return plain[shape.kind] ?? {}
  return shape.or === undefined ? { enum: shape.words } : { anyOf: [{ enum: shape.words }, plain[shape.or]] }
}
