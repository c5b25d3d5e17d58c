package metadata

import (
	"fmt"
	"slices"
)

func (c *Change) setBroker(b *Broker) {
	i, found := findBroker(c.img.brokers, b.ID)
	list := slices.Clone(c.img.brokers)
	if found {
		list[i] = b
	} else {
		list = slices.Insert(list, i, b)
	}
	c.img.brokers = list
	c.touched.brokers.add(b.ID)
}

// registered returns a broker's place in the list if its registration has the epoch that a record speaks of.
func (c *Change) registered(id int32, epoch int64) (int, error) {
	i, found := findBroker(c.img.brokers, id)
	if !found {
		return 0, fmt.Errorf("broker %d is not registered", id)
	}
	if have := c.img.brokers[i].Epoch; have != epoch {
		return 0, fmt.Errorf("broker %d is registered with epoch %d, not %d", id, have, epoch)
	}
	return i, nil
}

func (c *Change) removeBroker(r *UnregisterBrokerRecord) error {
	i, err := c.registered(r.BrokerID, r.Epoch)
	if err != nil {
		return err
	}
	c.img.brokers = slices.Delete(slices.Clone(c.img.brokers), i, i+1)
	c.touched.brokers.add(r.BrokerID)
	return nil
}

func (c *Change) changeBroker(r *RegistrationChangeRecord) error {
	i, err := c.registered(r.BrokerID, r.Epoch)
	if err != nil {
		return err
	}
	b := *c.img.brokers[i]
	if r.Fenced != 0 {
		b.Fenced = r.Fenced > 0
	}
	if r.InControlledShutdown > 0 {
		b.InControlledShutdown = true
	}
	if len(r.LogDirs) > 0 {
		b.LogDirs = r.LogDirs
	}
	if r.CordonedLogDirs != nil {
		b.CordonedLogDirs = r.CordonedLogDirs
	}
	c.setBroker(&b)
	return nil
}
