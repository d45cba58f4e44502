// An OpenID provider that stands in for Google: oidc-provider, with Google's ways
// where they matter to usher. It reads its settings from standard input, as JSON
// in one line:
//
//   {clientId, clientSecret, redirectURI, secretBy, conform, people: {sub: {claims}}}
//
// and writes its address as the first line. Whoever asks for a code says by
// login_hint whom they are; nobody is asked for a password. It ends when standard
// input does.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
const [line] = await once(input, 'line');
const settings = JSON.parse(line);

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: settings.clientId,
    client_secret: settings.clientSecret,
    redirect_uris: [settings.redirectURI],
    token_endpoint_auth_method: settings.secretBy,
  }],
  clientAuthMethods: [settings.secretBy],
  // Google puts e-mail and name into the ID token; a provider that conforms gives
  // them at userinfo.
  conformIdTokenClaims: settings.conform,
  claims: { openid: ['sub'], email: ['email', 'email_verified', 'hd'], profile: ['name', 'given_name', 'family_name', 'picture', 'locale'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => settings.people[sub] && {
    accountId: sub,
    claims: () => ({ sub, ...settings.people[sub] }),
  },
  cookies: { keys: ['of a test'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

server.on('request', async (request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    return provider.callback()(request, response);
  }
  try {
    const { params, prompt, session } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      return await provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  } catch (error) {
    response.statusCode = 500;
    return response.end(String(error));
  }
});

console.log(issuer);
