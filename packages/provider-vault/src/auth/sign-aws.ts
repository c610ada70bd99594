import { loadCrypto } from '@finchat/secrets-core/provider'

/** AWS keys, as its SDK's credential providers return them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** A POST without a query; every header is signed. */
export interface AwsRequest {
  readonly service: string
  readonly region: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request"). */
export function signedHeaders(request: AwsRequest, credentials: AwsCredentials, now: Date): Record<string, string> {
  const date = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const { sessionToken } = credentials
  const headers = { ...request.headers, 'X-Amz-Date': date, ...(sessionToken && { 'X-Amz-Security-Token': sessionToken }) }
  const scope = [date.slice(0, 8), request.region, request.service, 'aws4_request']
  const names = Object.keys(headers)
    .map((name) => name.toLowerCase())
    .toSorted()
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical(request, headers, names))].join('\n')
  const key = scope.reduce<string | Buffer>((parent, part) => hmac(parent, part), `AWS4${credentials.secretAccessKey}`)
  const signature = Buffer.from(hmac(key, text)).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, Authorization: authorization }
}

function canonical({ path, body }: AwsRequest, headers: Readonly<Record<string, string>>, names: readonly string[]): string {
  const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return ['POST', path, '', ...names.map((name) => `${name}:${values.get(name)}`), '', names.join(';'), sha256(body)].join('\n')
}

function sha256(text: string): string {
  return loadCrypto().createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return loadCrypto().createHmac('sha256', key).update(text).digest()
}
