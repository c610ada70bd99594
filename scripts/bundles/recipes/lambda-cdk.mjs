import { App, ArnFormat, Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'

const app = new App({ outdir: 'out' })
const stack = new Stack(app, 'TokenApi')
const handler = new NodejsFunction(stack, 'handler', {
  entry: 'handler.mjs',
  runtime: Runtime.NODEJS_22_X,
  bundling: { format: OutputFormat.ESM, mainFields: ['module', 'main'], minify: true, bundleAwsSDK: true },
})
const { COLON_RESOURCE_NAME: arnFormat } = ArnFormat
const secrets = stack.formatArn({ service: 'secretsmanager', resource: 'secret', resourceName: 'prod/*', arnFormat })
handler.addToRolePolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secrets] }))
app.synth()
