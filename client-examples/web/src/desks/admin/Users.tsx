import { useState } from 'react';
import { shownOf, useApi, useAsk, useLoad } from '../../api/hooks';
import { type FragmentType, graphql, unmask } from '../../gql';
import type { Role } from '../../gql/graphql';
import { dateTime, words } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Empty, Loaded, More, Problems } from '../../ui/states';
import { usePause } from '../../ui/usePause';

const UserRow = graphql(`
  fragment UserRow on User {
    id
    name
    email
    role
    active
    createdAt
  }
`);

const USERS = graphql(`
  query Users($role: Role, $search: String, $after: String) {
    admin {
      users(role: $role, search: $search, first: 25, after: $after) {
        edges {
          cursor
          node {
            ...UserRow
            id
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const UPDATE = graphql(`
  mutation UpdateUser($input: UpdateUserInput!) {
    result: updateUser(input: $input) {
      user {
        ...UserRow
        id
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

const ROLES: readonly Role[] = ['CUSTOMER', 'PARTNER', 'SELLER', 'ADMIN'];

export function Users() {
  const [text, setText] = useState('');
  const [role, setRole] = useState<Role | ''>('');
  const search = usePause(text.trim());
  const query = useLoad(USERS, { ...(role && { role }), ...(search && { search }) });
  const shown = shownOf(query);
  return (
    <>
      <h1>Users</h1>
      <search className="filters">
        <Field label="Name or e-mail">
          {(id) => (
            <input
              id={id}
              type="search"
              value={text}
              maxLength={200}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <Field label="Role">
          {(id) => (
            <select id={id} value={role} onChange={(event) => setRole(event.target.value as Role | '')}>
              <option value="">All</option>
              {ROLES.map((one) => (
                <option key={one} value={one}>
                  {words(one)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </search>
      <Loaded query={{ ...query, data: shown }} what="users">
        {({ admin: { users } }) =>
          users.edges.length === 0 ? (
            <Empty>Nobody is called that.</Empty>
          ) : (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
              <section className="card scroll" aria-label="Users" tabIndex={0}>
                <table>
                  <caption className="unseen">Users</caption>
                  <thead>
                    <tr>
                      <th scope="col">Name</th>
                      <th scope="col">E-mail</th>
                      <th scope="col">Role</th>
                      <th scope="col">Since</th>
                      <th scope="col">May sign in</th>
                    </tr>
                  </thead>
                  <tbody>
                    {users.edges.map(({ node }) => (
                      <UserLine key={node.id} user={node} />
                    ))}
                  </tbody>
                </table>
              </section>
              <More
                page={users.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function UserLine({ user }: { user: FragmentType<typeof UserRow> }) {
  const { session } = useApi();
  const { id, name, email, role, active, createdAt } = unmask(UserRow, user);
  const update = useAsk(UPDATE);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{email}</td>
      <td>{words(role)}</td>
      <td>{dateTime(createdAt)}</td>
      <td>
        {active ? 'Yes' : 'No'}{' '}
        {id !== session.person.id && (
          <Button
            isBusy={update.isBusy}
            onClick={() => void update.ask(() => ({ input: { userId: id, active: !active } }))}
          >
            {active ? 'Deactivate' : 'Activate'}
            <span className="unseen"> {name}</span>
          </Button>
        )}
        <Problems problems={update.problems} />
      </td>
    </tr>
  );
}
