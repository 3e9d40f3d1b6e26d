//! Objects into tables, one after the other, each by the module of its kind.

use std::collections::BTreeSet;

use super::{
    context::Context, groups, people, periods, relations::Relations, rule::Rules,
    services::Services, toml::Table, words::Kind,
};

/// Turns objects into tables, one after the other.
pub struct Emitter<'x, 'c, 'o, 'a> {
    context: &'x Context<'c, 'o, 'a>,
    hosts: Rules<'x, 'c, 'o, 'a>,
    checks: Rules<'x, 'c, 'o, 'a>,
    relations: Relations<'x, 'c, 'o, 'a>,
    /// The next real service.
    next_service: usize,
}

impl<'x, 'c, 'o, 'a> Emitter<'x, 'c, 'o, 'a> {
    pub fn new(
        context: &'x Context<'c, 'o, 'a>,
        services: &'x Services,
        service_groups: &'x groups::ServiceGroups,
    ) -> Self {
        Self {
            context,
            hosts: Rules::new(context, Kind::Host),
            checks: Rules::new(context, Kind::Service),
            relations: Relations {
                context,
                services,
                service_groups,
            },
            next_service: 0,
        }
    }

    /// The tables of an object. Objects come in their order, services above all.
    pub fn tables(&mut self, at: usize) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        match object.kind {
            Kind::Host => self.host(at),
            Kind::Service => self.service(at),
            _ if !object.is_real() => {
                context.report.borrow_mut().kept(
                    object.place,
                    "what this template says stands in each table that uses it",
                );
                Vec::new()
            }
            Kind::TimePeriod => vec![periods::period(context, at)],
            Kind::Command => vec![groups::command(context, at)],
            Kind::Contact => vec![people::contact(context, at)],
            Kind::ContactGroup => vec![people::group(context, at)],
            Kind::HostGroup => vec![groups::host_group(context, at)],
            Kind::ServiceGroup => vec![groups::service_group(context, at)],
            Kind::HostDependency | Kind::ServiceDependency => self.relations.dependency(at),
            Kind::HostEscalation | Kind::ServiceEscalation => self.relations.escalation(at),
            // Merged into hosts and services before.
            Kind::HostExtInfo | Kind::ServiceExtInfo => Vec::new(),
        }
    }

    fn host(&mut self, at: usize) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let name = context.text(at, "host_name").unwrap_or_default();
        if object.is_real() && context.text(at, "max_check_attempts").is_none() {
            context.fault(
                object.place,
                format!("host `{name}` has no max_check_attempts"),
                "add it here or in a template",
            );
        }
        self.hosts.tables(at, &context.host(&name))
    }

    fn service(&mut self, at: usize) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let services = self.relations.services;
        let service = services
            .list
            .get(self.next_service)
            .filter(|service| service.at == at);
        let name = service.map_or("", |service| &*service.name);
        let mut tables = self.checks.tables(at, name);
        let Some(service) = service else {
            return tables;
        };
        self.next_service += 1;
        services.check_parents(context, service);
        if service.lost.is_empty() && service.hosts.is_empty() {
            context
                .report
                .borrow_mut()
                .changed(object.place, "is on no host: the group is empty");
        }
        let left: BTreeSet<u32> = service
            .hosts
            .iter()
            .filter(|host| !service.lost.contains(host) && !service.overridden.contains(host))
            .copied()
            .collect();
        let Some(mut table) = tables.pop() else {
            return tables;
        };
        if !service.lost.is_empty() {
            let mut lost: Vec<String> = service
                .lost
                .iter()
                .map(|host| context.host(context.names.host_name(*host)))
                .collect();
            context.report.borrow_mut().changed(
                object.place,
                format!(
                    "`{name}` is defined again for {}, and the other definition counts, as in Nagios",
                    lost.join(", ")
                ),
            );
            if service.lost.len() == service.hosts.len() {
                table.is_off = true;
            } else {
                if table.pairs.iter().all(|pair| pair.key != "exclude_hosts")
                    && let Some(said) = context.effective(at, "host_name")
                {
                    let picked = context.names.pick(
                        Kind::Host,
                        said.text.as_deref().unwrap_or_default(),
                        said.place,
                        &mut context.faults.borrow_mut(),
                    );
                    lost.extend(context.hosts(&picked.exclude));
                }
                table = groups::without(table, &lost);
            }
        }
        let own = context.text(at, "servicegroups").unwrap_or_default();
        tables.extend(
            self.relations
                .service_groups
                .join(name, &left, context, &own, table),
        );
        tables
    }
}
