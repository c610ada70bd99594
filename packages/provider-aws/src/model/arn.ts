/** Where a secret is, by its Amazon Resource Name. */
export interface SecretArn {
  readonly region: string
  readonly account: string
  /** With the hyphen and the six characters that AWS appends, where the ARN is complete. */
  readonly name: string
}

const arnGrammar = /^arn:aws[a-z-]{0,20}:secretsmanager:([a-z0-9-]{1,40}):(\d{12}):secret:([^:]{1,519})$/

export function parseArn(text: string): SecretArn | undefined {
  const [, region = '', account = '', name = ''] = arnGrammar.exec(text) ?? []
  return name === '' ? undefined : { region, account, name }
}

/** What an answer says of the secret that it is about; nobody has checked that it is text. */
export interface AnsweredIdentity {
  readonly ARN?: unknown
  readonly Name?: unknown
}

/** Whether `path` (a name, an ARN or a partial ARN) is the secret that AWS calls by this name and ARN. */
export function isSameSecret(path: string, { ARN: arn, Name: name }: AnsweredIdentity): boolean {
  return path === name || path === arn || (typeof arn === 'string' && path === arn.slice(0, -suffixLength))
}

/** A hyphen and six random characters. */
const suffixLength = 7

/** The resource that a policy must allow, for an error message: the suffix is unknown, and so is the account unless the path says it. */
export function resourceOf(path: string, region: string): string {
  const arn = parseArn(path)
  if (arn !== undefined) return `${path}${/-[A-Za-z0-9]{6}$/.test(path) ? '' : '-??????'}`
  return `arn:${partitionOf(region)}:secretsmanager:${region}:*:secret:${path}-??????`
}

function partitionOf(region: string): string {
  return Object.entries(partitions).find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'
}

/** Of the regions that begin so; all others are in `aws` (AWS's `partitions.json`). */
const partitions: Readonly<Record<string, string>> = {
  'cn-': 'aws-cn',
  'us-gov-': 'aws-us-gov',
  'us-iso-': 'aws-iso',
  'us-isob-': 'aws-iso-b',
  'us-isof-': 'aws-iso-f',
  'eu-isoe-': 'aws-iso-e',
  'eusc-': 'aws-eusc',
}

/** `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`: the shape that all partitions have in common (AWS's `partitions.json`). */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}$/.test(text)
}
